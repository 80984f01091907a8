"""Reference motions that the suite makes itself: gaits as formulas, from foot placement to joint angles."""
