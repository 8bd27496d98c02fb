"""What ends the demo early, shown without a traceback."""


class Failure(Exception):
    pass
