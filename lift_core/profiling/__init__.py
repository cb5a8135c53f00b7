"""Where memory goes: predicted from plain numbers, and measured."""
