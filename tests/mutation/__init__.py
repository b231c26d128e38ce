"""Mutation testing of the code that decides: does a test notice when one decision is turned round?"""
