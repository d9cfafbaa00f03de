"""What is remembered: records, tables, repositories, migrations."""
