"""What every area stands on: standard library only, knows no area and no screen."""
