"""What the experiment on joint models is made of: its data sets and its tables."""
