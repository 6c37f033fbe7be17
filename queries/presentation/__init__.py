"""How a request is shown to people: statements with every character visible, differences, sentences, result cells."""
