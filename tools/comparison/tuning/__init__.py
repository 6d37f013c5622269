"""Each model at its best: what tools/compare --tune adds to a comparison.

    flags      which flags of a model are tuned, and with which values
    settings   the settings of a model that are tried
    halving    the race: who is measured in which round, and who is the best
    race       races as steps of a plan, and what their lines say
    worth      how much tuning matters beside the choice of the model
    text       all of it for a person
"""
