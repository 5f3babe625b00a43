(func $described (param i32) (unreachable))
