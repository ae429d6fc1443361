"""Endpoints of the sandbox phone."""

from fastapi import APIRouter

router = APIRouter(tags=["sandbox"])
