"""What ``gradtape demo`` shows: the notebook's tour, and a network trained on house prices."""
