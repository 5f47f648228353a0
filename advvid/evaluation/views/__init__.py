"""What is made of results for people and programs: tables, JSON, CSV, curves and bars."""
