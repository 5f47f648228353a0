"""What defenses are made of: schedules, step rules, the training attack, the ART trainer."""
