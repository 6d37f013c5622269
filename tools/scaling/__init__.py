"""What tools/scale is made of: three hosts, a balancer and Redis in network namespaces, and what is done to them under load."""
