;; As if the host had said the second one.
(data (i32.const 1024) "all is well\0aerror: the store is lost")
(func $misdeed
  (call $log (i32.const 3) (i32.const 1024) (i32.const 36)
    (i32.const 1) (i32.const 1024) (i32.const 36)))
