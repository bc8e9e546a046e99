"""What is stored and shown of ingestion: connector installations, inbox, runs, dead letters."""
