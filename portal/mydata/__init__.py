"""わたしのデータ: what is known about the resident, who may see it, and who did."""
