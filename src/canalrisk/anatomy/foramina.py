"""Intervertebral foramina."""


def find_foramina(bone, canal, sac, vertebrae, line, landmarks, *, grid):
    return (), []
