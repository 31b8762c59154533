"""Connections to model servers, tried out: does one work, and which models does its server have."""
