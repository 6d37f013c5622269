"""faulty: a tiny server of each service, correct unless one of its faults is switched on by name.

Each module has SERVICE; Server(fault, root, one_at_a_time); and FAULTS: name -> (what it does wrong, the cases, with blanks
between them, of which each must catch it). They run in threads of the process that asks them.
"""
