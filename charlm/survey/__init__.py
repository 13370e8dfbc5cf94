"""Looking into a text before anything is trained on it: what is in it, what is odd, how predictable it may be."""

from charlm.survey.census import Census
from charlm.survey.source import Survey, survey_source

__all__ = ["Census", "Survey", "survey_source"]
