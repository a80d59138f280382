"""`npm run doctor`: asks the project and the Worker, and judges what they answer.

It sees what the public key sees, and what the project's own SQL tells who has the secret. A check
asks and hands what it was told to a pure function, which returns `Finding`s. No finding has a key,
the secret, or anything of a row in it.
"""
