;; Whoever counts bytes only never has enough of them.
(func $misdeed
  (loop $ever
    (call $say (i32.const 0) (i32.const 0))
    (br $ever)))
