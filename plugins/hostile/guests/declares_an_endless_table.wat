(table $large 4294967295 funcref)
