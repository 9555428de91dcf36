"""What happens to a training sample before a network sees it."""
