(func $misdeed
  (loop $ever (br $ever)))
