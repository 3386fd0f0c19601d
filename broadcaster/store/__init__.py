"""What is remembered, behind the Store port."""
