"""The public data sets of frame interpolation: where their authors publish them, how large they are, on what terms."""

from __future__ import annotations

from dataclasses import dataclass

from lift_core.errors import ConfigError


@dataclass(frozen=True)
class PublishedFile:
    """One archive of a data set.

    Attributes:
        name: what it is called here.
        url: sends the file itself; None where the authors' link leads to a page that a person has to click through.
        size: as the authors state it, or None.
        sha256: as the authors publish it, in hexadecimal, or None.
    """

    name: str
    url: str | None
    size: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class PublicDataset:
    """A data set of the catalogue.

    Attributes:
        name: in the catalogue, and of the folder that it is unpacked to.
        title: what it is. page: where its authors describe and link it.
        terms: on what terms it may be used, as its authors state them; or that they state none.
        files: its archives.
        hint: what a person has to know besides, or nothing.
        is_encoded: it comes as videos, and its readers want images.
    """

    name: str
    title: str
    page: str
    terms: str
    files: tuple[PublishedFile, ...]
    hint: str = ""
    is_encoded: bool = False


_VIMEO_PAGE = "http://toflow.csail.mit.edu"
_VIMEO_TERMS = 'The readme within the archive: "This dataset is for non-commercial usage only."'
_VIMEO_HINT = "The authors publish no checksum, and plain http proves nothing of who sends."
_X4K_PAGE = "https://github.com/JihyongOh/XVFI"
_X4K_TERMS = (
    "The authors' page: \"The source codes and datasets can be freely used for research and education only. Any"
    ' commercial use should get formal permission first."'
)
_X4K_FOLDER = "https://www.dropbox.com/sh/duisote638etlv2/AABJw5Vygk94AWjGM4Se0Goza?dl=0"

CATALOGUE = (
    PublicDataset(
        "vimeo90k_triplet",
        "Vimeo90K triplets (Xue et al., IJCV 2019): three frames of 448x256, training and test",
        _VIMEO_PAGE,
        _VIMEO_TERMS,
        (PublishedFile("vimeo_triplet.zip", "http://data.csail.mit.edu/tofu/dataset/vimeo_triplet.zip", "33 GB"),),
        _VIMEO_HINT,
    ),
    PublicDataset(
        "vimeo90k_septuplet",
        "Vimeo90K septuplets (Xue et al., IJCV 2019): seven frames of 448x256, training and test",
        _VIMEO_PAGE,
        _VIMEO_TERMS,
        (PublishedFile("vimeo_septuplet.zip", "http://data.csail.mit.edu/tofu/dataset/vimeo_septuplet.zip", "82 GB"),),
        _VIMEO_HINT,
    ),
    PublicDataset(
        "ucf101_triplets",
        "the 379 test triplets of UCF101 (Liu et al., ICCV 2017)",
        "https://github.com/liuziwei7/voxel-flow",
        'Of the images the authors say nothing; of their software: "The use of this software is RESTRICTED to'
        ' non-commercial research and educational purposes." The frames are from the videos of UCF101.',
        (PublishedFile("ucf101_interp_ours.zip", None),),
        '"Testing Data" on the page leads to a file of Google Drive, which a browser fetches:'
        " https://drive.google.com/open?id=0B7EVK8r0v71pdHBNdXB6TE1wSTQ",
    ),
    PublicDataset(
        "snu_film",
        "SNU-FILM (Choi et al., AAAI 2020): 310 triplets at each of four distances",
        "https://myungsub.github.io/CAIN",
        "The authors state none. The frames are from the test part of GOPRO and from videos of YouTube.",
        (
            # The authors' links, with dl=1 for dl=0: Dropbox then sends the file in place of a page that shows it.
            PublishedFile("snufilm-test.zip", "https://www.dropbox.com/s/32wpcpt5izkhoh8/snufilm-test.zip?dl=1"),
            PublishedFile("eval_modes.zip", "https://www.dropbox.com/s/2zmnzsquv5ounvq/eval_modes.zip?dl=1"),
        ),
        "The authors publish no checksum.",
    ),
    PublicDataset(
        "x4k_test",
        "X-TEST of X4K1000FPS (Sim et al., ICCV 2021): 15 clips of 33 frames, 4096x2160",
        _X4K_PAGE,
        _X4K_TERMS,
        (PublishedFile("encoded_test.tar.gz", None),),
        f"The page leads to a folder of Dropbox, from which a browser fetches the file: {_X4K_FOLDER}",
        is_encoded=True,
    ),
    PublicDataset(
        "x4k_train",
        "X-TRAIN of X4K1000FPS (Sim et al., ICCV 2021): 4,408 clips of 65 frames, 768x768",
        _X4K_PAGE,
        _X4K_TERMS,
        (PublishedFile("encoded_train.tar.gz", None),),
        f"The page leads to a folder of Dropbox, from which a browser fetches the file: {_X4K_FOLDER}",
        is_encoded=True,
    ),
)


def find_dataset(name: str) -> PublicDataset:
    """The entry called ``name``.

    Raises:
        ConfigError: there is none.
    """
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    raise ConfigError(f"no data set is called {name!r}", fix=f"Choose from: {', '.join(e.name for e in CATALOGUE)}.")
