"""Components: the library of Pulumi resources that the environments are composed of."""
