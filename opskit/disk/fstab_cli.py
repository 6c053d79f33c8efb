from opskit.options import new_app

app = new_app("stub")
