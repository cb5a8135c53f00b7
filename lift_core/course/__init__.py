"""The course around the package: labs built from their solutions, and the doctor of a student's machine."""
