"""What labs call to judge a student's code: exercises, their known mistakes, and one file of them per lab."""
