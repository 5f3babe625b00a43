(table $large 51000 funcref)
