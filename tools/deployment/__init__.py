"""The configurations of deploy/ that hosts and watches servers, tried with the real programs."""
