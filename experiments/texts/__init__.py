"""What the text experiment is made of: data sets, recipes, training and tables."""
