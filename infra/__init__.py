"""What is deployed: the function's zip, and the Pulumi program that puts it up."""
