"""stub"""


class ScapyEngine: ...
