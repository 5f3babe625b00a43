;; Compilers export what is to be called first; it is part of being instantiated.
(func (export "_initialize")
  (loop $ever (br $ever)))
