"""Drawing df's answers, a file for each question."""
