(table $large 49000 funcref)
