"""Judges any implementation of the assigned_instance_url auto-sync by executable features."""
