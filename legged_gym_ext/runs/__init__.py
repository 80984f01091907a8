"""What a run is: its folder, its configuration, how it is trained, combined and shipped."""
