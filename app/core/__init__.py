"""What all rooms share: answers, operations, settings, the documents of both protocols, memory limits."""
