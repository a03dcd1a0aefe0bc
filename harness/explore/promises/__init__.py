"""What every sound implementation keeps to, whatever story it is in: derived from what is true, judged by Then steps."""
