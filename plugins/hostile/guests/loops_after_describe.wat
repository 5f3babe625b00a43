;; In what is called once the description was read.
(func $described (param i32)
  (loop $ever (br $ever)))
