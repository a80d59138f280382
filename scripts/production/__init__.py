"""`npm run setup`: brings an environment into the state that this clone describes.

`values.py` collects what the environment needs. `cloudflare.py` and `database.py` find out what is
there, `plan.py` decides what is to be done, and `carrying_out.py` does it. Only `plan.py` decides,
and it neither asks nor changes anything.
"""
