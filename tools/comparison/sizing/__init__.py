"""How many workers a pool needs for a load: tools/advise --workers.

    judge      which sizes to try, which of them is enough, and when a pool is the wrong answer
    measure    a pool, or another model, under the load
    cli        from the command line to the answer
"""
