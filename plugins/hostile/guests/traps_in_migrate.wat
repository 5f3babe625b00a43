(func $misdeed (unreachable))
