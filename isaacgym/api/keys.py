"""Names of keys and mouse inputs."""

from __future__ import annotations

from enum import IntEnum


class KeyboardInput(IntEnum):
    """Keys that a viewer can report."""

    KEY_A = 0
    KEY_B = 1
    KEY_C = 2
    KEY_D = 3
    KEY_E = 4
    KEY_F = 5
    KEY_G = 6
    KEY_H = 7
    KEY_I = 8
    KEY_J = 9
    KEY_K = 10
    KEY_L = 11
    KEY_M = 12
    KEY_N = 13
    KEY_O = 14
    KEY_P = 15
    KEY_Q = 16
    KEY_R = 17
    KEY_S = 18
    KEY_T = 19
    KEY_U = 20
    KEY_V = 21
    KEY_W = 22
    KEY_X = 23
    KEY_Y = 24
    KEY_Z = 25
    KEY_0 = 26
    KEY_1 = 27
    KEY_2 = 28
    KEY_3 = 29
    KEY_4 = 30
    KEY_5 = 31
    KEY_6 = 32
    KEY_7 = 33
    KEY_8 = 34
    KEY_9 = 35
    KEY_F1 = 36
    KEY_F2 = 37
    KEY_F3 = 38
    KEY_F4 = 39
    KEY_F5 = 40
    KEY_F6 = 41
    KEY_F7 = 42
    KEY_F8 = 43
    KEY_F9 = 44
    KEY_F10 = 45
    KEY_F11 = 46
    KEY_F12 = 47
    KEY_NUMPAD_0 = 48
    KEY_NUMPAD_1 = 49
    KEY_NUMPAD_2 = 50
    KEY_NUMPAD_3 = 51
    KEY_NUMPAD_4 = 52
    KEY_NUMPAD_5 = 53
    KEY_NUMPAD_6 = 54
    KEY_NUMPAD_7 = 55
    KEY_NUMPAD_8 = 56
    KEY_NUMPAD_9 = 57
    KEY_NUMPAD_ADD = 58
    KEY_NUMPAD_DEL = 59
    KEY_NUMPAD_DIVIDE = 60
    KEY_NUMPAD_ENTER = 61
    KEY_NUMPAD_EQUAL = 62
    KEY_NUMPAD_MULTIPLY = 63
    KEY_NUMPAD_SUBTRACT = 64
    KEY_SPACE = 65
    KEY_APOSTROPHE = 66
    KEY_COMMA = 67
    KEY_MINUS = 68
    KEY_PERIOD = 69
    KEY_SLASH = 70
    KEY_SEMICOLON = 71
    KEY_EQUAL = 72
    KEY_LEFT_BRACKET = 73
    KEY_BACKSLASH = 74
    KEY_RIGHT_BRACKET = 75
    KEY_GRAVE_ACCENT = 76
    KEY_ESCAPE = 77
    KEY_TAB = 78
    KEY_ENTER = 79
    KEY_BACKSPACE = 80
    KEY_INSERT = 81
    KEY_DEL = 82
    KEY_RIGHT = 83
    KEY_LEFT = 84
    KEY_DOWN = 85
    KEY_UP = 86
    KEY_PAGE_UP = 87
    KEY_PAGE_DOWN = 88
    KEY_HOME = 89
    KEY_END = 90
    KEY_CAPS_LOCK = 91
    KEY_SCROLL_LOCK = 92
    KEY_NUM_LOCK = 93
    KEY_PRINT_SCREEN = 94
    KEY_PAUSE = 95
    KEY_LEFT_SHIFT = 96
    KEY_LEFT_CONTROL = 97
    KEY_LEFT_ALT = 98
    KEY_LEFT_SUPER = 99
    KEY_RIGHT_SHIFT = 100
    KEY_RIGHT_CONTROL = 101
    KEY_RIGHT_ALT = 102
    KEY_RIGHT_SUPER = 103
    KEY_MENU = 104


class MouseInput(IntEnum):
    """Buttons and motions of the mouse."""

    MOUSE_LEFT_BUTTON = 0
    MOUSE_RIGHT_BUTTON = 1
    MOUSE_MIDDLE_BUTTON = 2
    MOUSE_FORWARD_BUTTON = 3
    MOUSE_BACK_BUTTON = 4
    MOUSE_SCROLL_RIGHT = 5
    MOUSE_SCROLL_LEFT = 6
    MOUSE_SCROLL_UP = 7
    MOUSE_SCROLL_DOWN = 8
    MOUSE_MOVE_RIGHT = 9
    MOUSE_MOVE_LEFT = 10
    MOUSE_MOVE_UP = 11
    MOUSE_MOVE_DOWN = 12


_NAMED_BY_CHARACTER = [f"KEY_{character}" for character in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"]
_FUNCTIONS = [f"KEY_F{number}" for number in range(1, 13)]
_GLFW_OTHERS = {
    "SPACE": 32, "APOSTROPHE": 39, "COMMA": 44, "MINUS": 45, "PERIOD": 46, "SLASH": 47, "SEMICOLON": 59,
    "EQUAL": 61, "LEFT_BRACKET": 91, "BACKSLASH": 92, "RIGHT_BRACKET": 93, "GRAVE_ACCENT": 96, "ESCAPE": 256,
    "ENTER": 257, "TAB": 258, "BACKSPACE": 259, "INSERT": 260, "DEL": 261, "RIGHT": 262, "LEFT": 263, "DOWN": 264,
    "UP": 265, "PAGE_UP": 266, "PAGE_DOWN": 267, "HOME": 268, "END": 269, "CAPS_LOCK": 280, "SCROLL_LOCK": 281,
    "NUM_LOCK": 282, "PRINT_SCREEN": 283, "PAUSE": 284, "NUMPAD_DEL": 330, "NUMPAD_DIVIDE": 331,
    "NUMPAD_MULTIPLY": 332, "NUMPAD_SUBTRACT": 333, "NUMPAD_ADD": 334, "NUMPAD_ENTER": 335, "NUMPAD_EQUAL": 336,
    "LEFT_SHIFT": 340, "LEFT_CONTROL": 341, "LEFT_ALT": 342, "LEFT_SUPER": 343, "RIGHT_SHIFT": 344,
    "RIGHT_CONTROL": 345, "RIGHT_ALT": 346, "RIGHT_SUPER": 347, "MENU": 348,
}  # fmt: skip
"""Key codes of GLFW, the window library of MuJoCo's viewer, for keys whose code is not their letter."""


def key_of_glfw(code: int) -> KeyboardInput | None:
    """Return the key of a GLFW key code, or None where this interface has no name for it."""
    return _BY_CODE.get(code)


def _codes() -> dict[int, KeyboardInput]:
    codes = {value: KeyboardInput[f"KEY_{name}"] for name, value in _GLFW_OTHERS.items()}
    codes |= {ord(name[-1]): KeyboardInput[name] for name in _NAMED_BY_CHARACTER}
    codes |= {290 + i: KeyboardInput[name] for i, name in enumerate(_FUNCTIONS)}
    return codes | {320 + i: KeyboardInput[f"KEY_NUMPAD_{i}"] for i in range(10)}


_BY_CODE = _codes()
