"""Template filters of わたしのデータ."""
