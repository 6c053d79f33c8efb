"""`opskit du --browse`: cli.py joins the scan, the browser (ui/browse) and the deletion (usage/du/delete)."""
