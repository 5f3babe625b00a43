"""What goes wrong with one item, in words for the operator."""


class Error(Exception):
    """An error whose text is a reason as it stands; every other exception is named beside its text."""


class Failed(Error):
    """Raise it where an item can't be migrated; the text tells the operator why.

    The item keeps its old body and goes to the quarantine. Whatever was written for it is dropped.
    """


def reason(error: BaseException) -> str:
    """An exception as the reason for which an item failed."""
    text = whole(str(error))
    if isinstance(error, Error):
        return text
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def place(error: BaseException) -> str:
    """Where an exception was raised; written without a look at the sources, which a sandbox has not."""
    trace = error.__traceback__
    if trace is None:
        return "nowhere"
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    file = code.co_filename.rpartition("/")[2]
    return f"{file}:{trace.tb_lineno} in {code.co_name}"


def whole(text: str) -> str:
    """A text as it can cross the boundary: half a surrogate pair is shown as an escape."""
    return text.encode(errors="backslashreplace").decode()
