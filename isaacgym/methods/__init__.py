"""The methods of the ``Gym`` object, by subject. The classes here hold no state; ``gym.Gym`` puts them together."""
