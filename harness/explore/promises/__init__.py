"""What every sound implementation keeps to, whatever the story: derived from what is true, judged by Then steps."""
