"""`npm run doctor`: asks the project and the Worker, and judges what they answer.

It sees what the public key sees. If it has the secret, it also sees what the project's own SQL
answers. Each check asks, and gives the answer to a pure function, which returns `Finding`s. No
finding contains a key, the secret, or anything of a row.
"""
